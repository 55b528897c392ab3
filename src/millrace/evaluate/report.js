/* The threshold explorer: counts come with the page, everything else is worked out here. */
"use strict";
for (const box of document.querySelectorAll(".explorer")) {
  const points = JSON.parse(box.dataset.points);
  const positives = Number(box.dataset.positives), negatives = Number(box.dataset.negatives);
  const find = (name) => box.querySelector(`[data-is="${name}"]`);
  const slider = find("slider"), alarm = find("alarm-cost"), miss = find("miss-cost");
  const number = (value) => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
  const cost = ([, found, called]) =>
    ((called - found) * (Number(alarm.value) || 0) + (positives - found) * (Number(miss.value) || 0)) / (positives + negatives);
  const share = (hits, rows) => {
    if (!rows) return "none";
    const z = 1.96, seen = hits / rows, wide = 1 + (z * z) / rows;
    const middle = (seen + (z * z) / (2 * rows)) / wide;
    const reach = (z / wide) * Math.sqrt((seen * (1 - seen)) / rows + (z * z) / (4 * rows * rows));
    return [seen, Math.max(0, middle - reach), Math.min(1, middle + reach)].map((v) => v.toFixed(3));
  };
  const put = (name, told) => {
    const place = find(name);
    if (Array.isArray(told)) place.innerHTML = `${told[0]}<small>${told[1]} to ${told[2]}</small>`;
    else place.textContent = told;
  };
  const show = () => {
    const point = points[slider.value], [cut, found, called] = point;
    const wrong = called - found, lost = positives - found;
    slider.setAttribute("aria-valuetext", `threshold ${cut}`);
    put("cut", number(cut));
    put("precision", share(found, called));
    put("recall", share(found, positives));
    put("specificity", share(negatives - wrong, negatives));
    put("f1", found ? ((2 * found) / (called + positives)).toFixed(3) : "0");
    put("called", share(called, positives + negatives));
    put("cost", number(cost(point)));
    for (const [name, count] of [["tp", found], ["fn", lost], ["fp", wrong], ["tn", negatives - wrong]])
      put(name, count.toLocaleString("en"));
  };
  const reset = () => { slider.value = box.dataset.chosen; show(); };
  find("cheapest").addEventListener("click", () => {
    const costs = points.map(cost);
    slider.value = costs.indexOf(Math.min(...costs));
    show();
  });
  find("reset").addEventListener("click", reset);
  for (const given of [slider, alarm, miss]) given.addEventListener("input", show);
  for (const hidden of box.querySelectorAll("[hidden]")) hidden.hidden = false;
  reset();
}
