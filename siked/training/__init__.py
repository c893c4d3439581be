"""Fine-tuning the student: examples, a base model and perhaps a student in, a student out."""
