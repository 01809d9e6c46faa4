"""The contracts that every registered model and data set keeps, for our own tests and for other packages'."""
