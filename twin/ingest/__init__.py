"""The twin's side of EQT/1: what gateways send becomes journal entries, and only then acknowledgements."""
