"""One small use case per tuner that holds the contract; `gallery new` copies and renames it."""
