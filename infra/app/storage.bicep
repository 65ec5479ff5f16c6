// One storage account for the host, the packages, job results and the ledger's tables.

import { network as networkType } from '../types.bicep'

param name string
param location string
param tags object
param skuName string
param network networkType?

@description('Days after which results that the gateway did not remove are deleted.')
param resultRetentionDays int

var isPrivate = network != null
var services = ['blob', 'queue', 'table']

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: skuName }
  properties: {
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: isPrivate ? 'Deny' : 'Allow'
    }
  }

  resource blobs 'blobServices' = {
    name: 'default'
    properties: { deleteRetentionPolicy: { enabled: true, days: 7 } }

    resource packages 'containers' = [
      for app in ['stream', 'jobs']: {
        name: 'package-${app}'
      }
    ]
  }

  resource queues 'queueServices' = {
    name: 'default'

    // Made here, so that the app that only sends to it need not be able to make one.
    resource usage 'queues' = {
      name: 'gateway-usage'
    }
  }

  resource lifecycle 'managementPolicies' = {
    name: 'default'
    properties: {
      policy: {
        rules: [
          {
            name: 'forget-results'
            enabled: true
            type: 'Lifecycle'
            definition: {
              filters: { blobTypes: ['blockBlob', 'appendBlob'], prefixMatch: ['gateway-'] }
              actions: {
                baseBlob: { delete: { daysAfterModificationGreaterThan: resultRetentionDays } }
              }
            }
          }
        ]
      }
    }
  }
}

module endpoints 'private-endpoint.bicep' = [
  for service in services: if (isPrivate) {
    name: 'endpoint-${service}'
    params: {
      name: 'pe-${name}-${service}'
      location: location
      tags: tags
      subnetId: network!.endpointSubnetId
      resourceId: account.id
      groupId: service
      zoneIds: [network!.zoneIds[service]]
    }
  }
]

output name string = account.name
output blobEndpoint string = account.properties.primaryEndpoints.blob
output queueEndpoint string = account.properties.primaryEndpoints.queue
output tableEndpoint string = account.properties.primaryEndpoints.table
