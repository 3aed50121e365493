"""Where labelled images come from: one file for each way in which people keep them."""
