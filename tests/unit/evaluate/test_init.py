import millrace as mr


def test_predictions_can_be_judged_again_and_again():
    values = [mr.evaluate([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]).metrics["roc_auc"].value for _ in range(3)]
    assert values == [0.75, 0.75, 0.75]
