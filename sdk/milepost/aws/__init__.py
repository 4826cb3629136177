"""The ports on AWS: DynamoDB, SQS, EventBridge, Scheduler and S3. Knows nothing of runs and steps, nor of Lambda."""
