"""Speed and memory of the app as a person has them, beside an app written the plain way: `hdl bench --only app`."""
