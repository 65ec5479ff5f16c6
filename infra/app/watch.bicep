// What is shown of the gateway, and what somebody is told of. The queries are those of infra/queries: a test
// holds each name in them against what the code tells.

param name string
param location string
param tags object
param workspaceId string
param serviceBusName string

@description('Resource ids of action groups that are told of alerts; none, and alerts are shown in the portal alone.')
param actionGroupIds array

var alerts = [
  {
    name: 'queue-age'
    text: 'Requests of a class have waited for a slot for more than two minutes.'
    query: loadTextContent('../queries/queue-age.kql')
    dimension: 'Priority'
    above: 120
    severity: 2
  }
  {
    name: 'breaker-open'
    text: 'A backend gets no requests: its breaker is open.'
    query: loadTextContent('../queries/breaker-open.kql')
    dimension: 'Backend'
    above: 1
    severity: 2
  }
  {
    name: 'backend-unsteady'
    text: 'A backend was taken out of use more than twice within a quarter of an hour.'
    query: loadTextContent('../queries/backend-unsteady.kql')
    dimension: 'Backend'
    above: 2
    severity: 3
  }
  {
    name: 'refused-share'
    text: 'More than a tenth of the requests is answered with 429.'
    query: loadTextContent('../queries/refused-share.kql')
    dimension: ''
    above: 10
    severity: 2
  }
  {
    name: 'throttled-share'
    text: 'A backend answers more than a quarter of its calls with 429.'
    query: loadTextContent('../queries/throttled-share.kql')
    dimension: 'Backend'
    above: 25
    severity: 3
  }
  {
    name: 'ledger-lag'
    text: 'What was used is counted more than ten minutes late.'
    query: loadTextContent('../queries/ledger-lag.kql')
    dimension: ''
    above: 600
    severity: 2
  }
  {
    name: 'ledger-uncounted'
    text: 'What was used has waited for more than ten minutes to be counted: perhaps nobody counts.'
    query: loadTextContent('../queries/ledger-uncounted.kql')
    dimension: ''
    above: 600
    severity: 2
  }
  {
    name: 'ledger-lost'
    text: 'Notes of what was used were dropped, or cannot be counted.'
    query: loadTextContent('../queries/ledger-lost.kql')
    dimension: 'Reason'
    above: 0
    severity: 1
  }
  {
    name: 'telemetry-dropped'
    text: 'Telemetry is dropped: what is seen here is not all.'
    query: loadTextContent('../queries/telemetry-dropped.kql')
    dimension: 'Sink'
    above: 0
    severity: 3
  }
]

resource serviceBus 'Microsoft.ServiceBus/namespaces@2024-01-01' existing = {
  name: serviceBusName
}

resource rules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for alert in alerts: {
    name: '${alert.name}-${name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: alert.name
      description: alert.text
      severity: alert.severity
      enabled: true
      scopes: [workspaceId]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      autoMitigate: true
      // The tables are made by the first telemetry that comes.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: alert.query
            metricMeasureColumn: 'Value'
            timeAggregation: 'Maximum'
            operator: 'GreaterThan'
            threshold: alert.above
            dimensions: empty(alert.dimension) ? [] : [{ name: alert.dimension, operator: 'Include', values: ['*'] }]
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: actionGroupIds }
    }
  }
]

// The broker itself knows best what lies among its dead letters.
resource deadLetters 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'dead-letters-${name}'
  location: 'global'
  tags: tags
  properties: {
    description: 'Messages that could not be processed lie among the dead letters.'
    severity: 2
    enabled: true
    scopes: [serviceBus.id]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: 'dead-letters'
          criterionType: 'StaticThresholdCriterion'
          metricNamespace: 'Microsoft.ServiceBus/namespaces'
          metricName: 'DeadletteredMessages'
          dimensions: [{ name: 'EntityName', operator: 'Include', values: ['*'] }]
          operator: 'GreaterThan'
          threshold: 0
          timeAggregation: 'Average'
        }
      ]
    }
    actions: [for id in actionGroupIds: { actionGroupId: id }]
  }
}

var charts = [
  { title: 'Requests that wait, by class', query: loadTextContent('../queries/queue-depth.kql') }
  { title: 'Mean wait (s), by class', query: loadTextContent('../queries/queue-wait.kql') }
  { title: 'Longest wait (s), by class', query: loadTextContent('../queries/queue-age.kql') }
  { title: 'Mean time to the first token (s)', query: loadTextContent('../queries/first-token.kql') }
  { title: 'Tokens, by model and kind', query: loadTextContent('../queries/tokens.kql') }
  { title: 'Refused with 429 (%)', query: loadTextContent('../queries/refused-share.kql') }
  { title: 'Refusals, by code', query: loadTextContent('../queries/refusals.kql') }
  { title: 'Throttled calls (%), by backend', query: loadTextContent('../queries/throttled-share.kql') }
  { title: 'Retries, by backend', query: loadTextContent('../queries/retries.kql') }
  { title: 'Breakers: 2 is open', query: loadTextContent('../queries/breaker-open.kql') }
  { title: 'Ledger: counted after (s)', query: loadTextContent('../queries/ledger-lag.kql') }
  { title: 'Ledger: waits to be counted (s)', query: loadTextContent('../queries/ledger-uncounted.kql') }
  { title: 'Telemetry dropped', query: loadTextContent('../queries/telemetry-dropped.kql') }
]

var chartItems = [
  for chart in charts: {
    type: 3
    content: {
      version: 'KqlItem/1.0'
      query: chart.query
      title: chart.title
      size: 1
      queryType: 0
      resourceType: 'microsoft.operationalinsights/workspaces'
      timeContext: { durationMs: 14400000 }
      visualization: 'timechart'
    }
    customWidth: '50'
  }
]

var slowRequests = {
  type: 3
  content: {
    version: 'KqlItem/1.0'
    query: loadTextContent('../queries/slow-requests.kql')
    title: 'The slowest requests'
    size: 0
    queryType: 0
    resourceType: 'microsoft.operationalinsights/workspaces'
    timeContext: { durationMs: 14400000 }
    visualization: 'table'
  }
}

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, name, 'gateway')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Gateway ${name}'
    category: 'workbook'
    sourceId: workspaceId
    version: '1.0'
    serializedData: string({
      version: 'Notebook/1.0'
      items: concat(chartItems, [slowRequests])
      fallbackResourceIds: [workspaceId]
    })
  }
}
