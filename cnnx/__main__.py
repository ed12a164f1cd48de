"""`python -m cnnx`."""

from cnnx.cli.app import main

if __name__ == "__main__":
    main()
