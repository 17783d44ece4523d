"""From records to findings: arms, pairs, verdicts, costs and choices. Reads records alone."""
