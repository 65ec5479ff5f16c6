// Logs and telemetry: nobody writes with a key, and in a private deployment nobody from outside.

import { network as networkType } from '../types.bicep'

param name string
param location string
param tags object
param retentionInDays int
param network networkType?

// Clouds without names for it take telemetry at their public endpoints, by identity.
var isPrivate = !empty(network.?zoneIds.monitor ?? [])
var ingestion = isPrivate ? 'Disabled' : 'Enabled'

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: 'log-${name}'
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: retentionInDays
    features: { disableLocalAuth: true }
    publicNetworkAccessForIngestion: ingestion
    // Read in the portal, by whoever has a role for it.
    publicNetworkAccessForQuery: 'Enabled'
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
    publicNetworkAccessForIngestion: ingestion
    publicNetworkAccessForQuery: 'Enabled'
  }
}

// Telemetry has names of its own for all of Azure: what this network sends to them ends here.
resource scope 'Microsoft.Insights/privateLinkScopes@2021-07-01-preview' = if (isPrivate) {
  name: 'ampls-${name}'
  location: 'global'
  tags: tags
  properties: {
    accessModeSettings: { ingestionAccessMode: 'PrivateOnly', queryAccessMode: 'Open' }
  }

  resource scopedWorkspace 'scopedResources' = {
    name: 'workspace'
    properties: { linkedResourceId: workspace.id }
  }

  resource scopedInsights 'scopedResources' = {
    name: 'insights'
    properties: { linkedResourceId: insights.id }
  }
}

module endpoint 'private-endpoint.bicep' = if (isPrivate) {
  name: 'endpoint-monitor'
  dependsOn: [scope::scopedWorkspace, scope::scopedInsights]
  params: {
    name: 'pe-ampls-${name}'
    location: location
    tags: tags
    subnetId: network!.endpointSubnetId
    resourceId: scope.id
    groupId: 'azuremonitor'
    zoneIds: concat(network!.zoneIds.monitor, [network!.zoneIds.blob])
  }
}

output workspaceId string = workspace.id
output insightsName string = insights.name
@description('Names an endpoint and an instrumentation key; with local authentication off, the key opens nothing.')
output insightsConnectionString string = insights.properties.ConnectionString
