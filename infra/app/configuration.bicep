// Hot settings, live: keys with the prefix Warm: act within the refresh interval.

import { network as networkType } from '../types.bicep'

param name string
param location string
param tags object
param network networkType?

var isPrivate = network != null

resource store 'Microsoft.AppConfiguration/configurationStores@2024-06-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'standard' }
  properties: {
    disableLocalAuth: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    // Otherwise Resource Manager itself would need the keys that are off.
    dataPlaneProxy: { authenticationMode: 'Pass-through' }
  }
}

module endpoint 'private-endpoint.bicep' = if (isPrivate) {
  name: 'endpoint-configuration'
  params: {
    name: 'pe-${name}'
    location: location
    tags: tags
    subnetId: network!.endpointSubnetId
    resourceId: store.id
    groupId: 'configurationStores'
    zoneIds: [network!.zoneIds.configuration]
  }
}

output name string = store.name
output endpoint string = store.properties.endpoint
