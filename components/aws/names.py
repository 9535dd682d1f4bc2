"""What everything of a stack is called on AWS; the command line knows these names too."""

from strongroom.aws_names import SHORT, Names, partition_of

__all__ = ["SHORT", "Names", "partition_of"]
