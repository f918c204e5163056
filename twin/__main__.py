"""`python -m twin`: the command `twin`, with this interpreter."""

from twin.cli import main

if __name__ == "__main__":
    main()
