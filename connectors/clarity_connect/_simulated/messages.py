"""The shapes of what the simulated server pushes through its hub.

The Web API v2 documentation describes the content ("Agent Metrics", "Subscription") but names neither the hub nor the
client methods nor how a subscription is told apart. Chosen here, and to be configured in the connector: the hub
`metricsHub` with the client methods below, each called with two arguments, the subscription id that POST
/subscriptions/... answered (`{"subscriptionId": "..."}`) and one object:

- `onAgents`, `onQueues`: a Realtime Data Response of one entity (`type`, `id`, `name`, `metrics`, `sessions`,
  `currentStatus`, `statusHistory`, `addedBreakdowns`, `breakdowns`, `removedBreakdowns`); the first one after
  subscribing is whole, the later ones hold only what changed;
- `onAgentsAggregate`, `onQueuesAggregate`: an Aggregate Metric Data Response, with `entityIds`;
- `onAgentsGroup`, `onQueuesGroup`: a Group Metric Data Response, with `groupType` and `groupId`;
- `onAlerts`: `{"type": "alert", "id", "name", "queueId", "queueName", "metric", "threshold", "value", "isActive",
  "startTime", "endTime"}`.

Every object carries a unique `referenceId` ("sim-1", ...) for the oracle.
"""
