"""The parts of the simulated Genesys Web Services server; `connectors.genesys_web_services.simulator` joins them."""
