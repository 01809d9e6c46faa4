"""Pre-transforms, one file each; see `graphlab.data.pre_transform`."""
