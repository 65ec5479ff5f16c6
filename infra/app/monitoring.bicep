// Logs and telemetry: nobody writes with a key.

param name string
param location string
param tags object
param retentionInDays int

@description('Whether telemetry is taken from anywhere. Private ingestion needs a private link scope of your own.')
param publicIngestion bool

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: 'log-${name}'
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: retentionInDays
    features: { disableLocalAuth: true }
    publicNetworkAccessForIngestion: publicIngestion ? 'Enabled' : 'Disabled'
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-${name}'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    DisableLocalAuth: true
    publicNetworkAccessForIngestion: publicIngestion ? 'Enabled' : 'Disabled'
  }
}

output workspaceId string = workspace.id
output insightsName string = insights.name
@description('Names an endpoint and an instrumentation key; with local authentication off, the key opens nothing.')
output insightsConnectionString string = insights.properties.ConnectionString
