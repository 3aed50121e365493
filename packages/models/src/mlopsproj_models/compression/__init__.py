"""Networks and graphs made smaller and faster: folded, quantised, pruned, distilled."""
