"""What things cost, measured against a floor in the same run. Not part of the tests."""
