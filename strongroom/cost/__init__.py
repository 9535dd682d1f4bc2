"""What a stack on AWS costs a month by list price, before anything is made."""
