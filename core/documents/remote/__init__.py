"""Documents that lie elsewhere, mirrored into the data folder: websites, Git repositories, buckets and servers."""
