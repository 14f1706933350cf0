"""The back wing: leases, plans, uploads and settling; the only room that writes to Facebook."""
