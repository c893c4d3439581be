"""What answers say: accuracies with intervals, comparisons, figures."""
