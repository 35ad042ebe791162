"""People, and the organizations they sell for."""
