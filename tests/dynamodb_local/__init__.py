"""The table's contract on Amazon's own DynamoDB Local: what moto lets pass and Amazon refuses is found here."""
