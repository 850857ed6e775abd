"""The administration desk: treasury, people and oversight. One module per resource."""
