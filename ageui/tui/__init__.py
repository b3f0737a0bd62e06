"""The terminal application: screens over what the store holds. Nothing else imports it."""
