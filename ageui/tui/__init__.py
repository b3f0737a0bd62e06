"""The terminal application: screens over the store. No other package imports it."""
