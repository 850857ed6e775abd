"""The wires of the application by kind. `factory.create_app` connects them in order."""
