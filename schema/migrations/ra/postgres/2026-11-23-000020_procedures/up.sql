-- Open applications by the day of their last step: those that lapse are found in order.
CREATE INDEX application_by_change ON application (open, changed_at);
