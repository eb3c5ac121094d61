"""Every kind of model, one file each: the file's name is the kind's, its one `HybridModel` the model."""
