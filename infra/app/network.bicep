// The network of a private deployment: one subnet an app, one for endpoints.
// Sizes: a /27 serves one Flex Consumption app of up to 1,000 instances, and cannot grow later.
// https://learn.microsoft.com/azure/azure-functions/functions-networking-options

import { cloud as cloudType, network as networkType } from '../types.bicep'

param name string
param location string
param tags object
param addressPrefix string
param cloud cloudType

var storageSuffix = environment().suffixes.storage
var zones = {
  blob: 'privatelink.blob.${storageSuffix}'
  queue: 'privatelink.queue.${storageSuffix}'
  table: 'privatelink.table.${storageSuffix}'
  serviceBus: 'privatelink.${cloud.serviceBusSuffix}'
  configuration: 'privatelink.${cloud.configurationSuffix}'
  sites: 'privatelink.${cloud.functionsSuffix}'
}

var zoneNames = concat(map(items(zones), zone => zone.value), cloud.monitorZones)

var flexDelegation = [
  {
    name: 'functions'
    properties: { serviceName: 'Microsoft.App/environments' }
  }
]

resource vnet 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addressPrefix] }
    subnets: [
      {
        name: 'stream'
        properties: { addressPrefix: cidrSubnet(addressPrefix, 27, 0), delegations: flexDelegation }
      }
      {
        name: 'jobs'
        properties: { addressPrefix: cidrSubnet(addressPrefix, 27, 1), delegations: flexDelegation }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 26, 1)
          privateEndpointNetworkPolicies: 'Enabled'
        }
      }
    ]
  }

  resource streamSubnet 'subnets' existing = {
    name: 'stream'
  }

  resource jobsSubnet 'subnets' existing = {
    name: 'jobs'
  }

  resource endpointSubnet 'subnets' existing = {
    name: 'endpoints'
  }
}

resource dnsZones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for zone in zoneNames: {
    name: zone
    location: 'global'
    tags: tags
  }
]

// With its link to the network, each service's own name leads to its endpoint.
resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (zone, index) in zoneNames: {
    parent: dnsZones[index]
    name: 'gateway'
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: { id: vnet.id }
    }
  }
]

output network networkType = {
  endpointSubnetId: vnet::endpointSubnet.id
  appSubnetIds: { stream: vnet::streamSubnet.id, jobs: vnet::jobsSubnet.id }
  zoneIds: {
    blob: resourceId('Microsoft.Network/privateDnsZones', zones.blob)
    queue: resourceId('Microsoft.Network/privateDnsZones', zones.queue)
    table: resourceId('Microsoft.Network/privateDnsZones', zones.table)
    serviceBus: resourceId('Microsoft.Network/privateDnsZones', zones.serviceBus)
    configuration: resourceId('Microsoft.Network/privateDnsZones', zones.configuration)
    sites: resourceId('Microsoft.Network/privateDnsZones', zones.sites)
    monitor: map(cloud.monitorZones, zone => resourceId('Microsoft.Network/privateDnsZones', zone))
  }
}
