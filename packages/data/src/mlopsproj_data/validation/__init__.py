"""What is wrong with labelled images, found before they are trained on."""
