"""The command `data`: look at labelled images before they are trained on."""
