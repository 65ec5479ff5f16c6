// One private endpoint and its place in the DNS zones.

param name string
param location string
param tags object
param subnetId string

@description('The resource behind the endpoint.')
param resourceId string

@description('The sub-resource, such as blob or namespace.')
param groupId string

@description('The private DNS zones of that sub-resource.')
param zoneIds string[]

resource endpoint 'Microsoft.Network/privateEndpoints@2024-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    subnet: { id: subnetId }
    privateLinkServiceConnections: [
      {
        name: groupId
        properties: {
          privateLinkServiceId: resourceId
          groupIds: [groupId]
        }
      }
    ]
  }

  resource zones 'privateDnsZoneGroups' = {
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        for (zoneId, index) in zoneIds: {
          name: '${groupId}-${index}'
          properties: { privateDnsZoneId: zoneId }
        }
      ]
    }
  }
}
