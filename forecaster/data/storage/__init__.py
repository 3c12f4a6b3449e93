"""Files on this machine and elsewhere: s3://, gs://, abfs:// and https://. See docs/storage.md.

`place` makes a Path or a Remote of what a user names; `files` has one function for each thing that is done
with either. For a path of this machine nothing is imported that was not before.
"""
