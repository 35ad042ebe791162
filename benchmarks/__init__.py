"""What backstay costs beside its peers: one file a claim, all in one run."""
