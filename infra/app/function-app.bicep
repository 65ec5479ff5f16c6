// One app on its own Flex Consumption plan: the platform allows no second app on a plan.

import { appSize, network as networkType } from '../types.bicep'

param name string
param location string
param tags object

@description('The service of azure.yaml, and the role of the gateway in this app.')
@allowed(['stream', 'jobs'])
param service string
param size appSize
param network networkType?
param identity { id: string, clientId: string }
param nodeVersion string
param updateStrategy 'Recreate' | 'RollingUpdate'
param deploymentContainerUri string

@description('All app settings: a deployment replaces the whole collection.')
param settings object

@description('Function of the most urgent lane, always ready in the jobs app.')
param topLaneFunction string

var isPrivate = network != null
var alwaysReady = [
  { name: 'http', instanceCount: size.alwaysReadyHttp }
  { name: 'durable', instanceCount: size.?alwaysReadyDurable ?? 0 }
  { name: 'function:${topLaneFunction}', instanceCount: size.?alwaysReadyTopLane ?? 0 }
]

// Younger than the types that Bicep knows, and the platform's own choice where it is not said.
var updates = any(updateStrategy == 'Recreate' ? {} : { siteUpdateStrategy: { type: updateStrategy } })

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: 'plan-${name}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true, zoneRedundant: size.zoneRedundant }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': service })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    // Settings that refer to Key Vault are read as this app; otherwise by an identity that it has not.
    keyVaultReferenceIdentity: identity.id
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    virtualNetworkSubnetId: network.?appSubnetIds[service]
    siteConfig: {
      minTlsVersion: '1.2'
      ftpsState: 'Disabled'
      appSettings: map(items(settings), setting => { name: setting.key, value: string(setting.value) })
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: deploymentContainerUri
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identity.id
          }
        }
      }
      runtime: { name: 'node', version: nodeVersion }
      scaleAndConcurrency: {
        instanceMemoryMB: size.instanceMemoryMB
        maximumInstanceCount: size.maximumInstanceCount
        alwaysReady: filter(alwaysReady, group => group.instanceCount > 0)
        triggers: { http: { perInstanceConcurrency: size.httpConcurrency } }
      }
      ...updates
    }
  }
}

// Publishing passwords are off: packages come by identity.
resource noFtpPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'ftp'
  properties: { allow: false }
}

resource noScmPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'scm'
  properties: { allow: false }
}

module endpoint 'private-endpoint.bicep' = if (isPrivate) {
  name: 'endpoint-${service}'
  params: {
    name: 'pe-${name}'
    location: location
    tags: tags
    subnetId: network!.endpointSubnetId
    resourceId: app.id
    groupId: 'sites'
    zoneIds: [network!.zoneIds.sites]
  }
}

output name string = app.name
output uri string = 'https://${app.properties.defaultHostName}'
