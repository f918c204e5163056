"""What a twin said, as it is kept in a file and read by whoever shows it; nothing here simulates."""
