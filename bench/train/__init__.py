"""Speed of training: against torchvision's reference script and timm, side by side, and of many tiny brands."""
