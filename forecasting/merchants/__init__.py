"""What each merchant sells of each category to each region: one demand, which the forecast and the stock plan both read."""
