"""What is done with a network: training, evaluation, prediction, and the runs they leave behind."""
