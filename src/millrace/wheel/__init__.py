"""The wheel that turns itself: arrivals, looks, retraining and serving in one process."""
