// Shapes that the modules share.

@export()
@description('How one function app is sized. Always-ready instances are billed whether they work or not.')
type appSize = {
  instanceMemoryMB: 512 | 2048 | 4096
  maximumInstanceCount: int
  httpConcurrency: int
  @description('Backend calls that an instance makes at once. Fewer than httpConcurrency, and what comes waits while no instance is added.')
  workers: int
  alwaysReadyHttp: int
  alwaysReadyDurable: int?
  alwaysReadyTopLane: int?
  zoneRedundant: bool
}

@export()
@description('Subnets and endpoints of a private deployment; absent in a public one.')
type network = {
  endpointSubnetId: string
  @description('Subnet of each app: the integration subnet of a Flex Consumption app serves no other.')
  appSubnetIds: { stream: string, jobs: string }
  @description('Ids of the private DNS zones, by what they serve.')
  zoneIds: {
    blob: string
    queue: string
    table: string
    serviceBus: string
    configuration: string
    sites: string
    monitor: string[]
  }
}

@export()
@description('What differs between Azure clouds and has no environment() value.')
type cloud = {
  @description('Suffix of Service Bus namespaces.')
  serviceBusSuffix: string
  @description('Suffix of function apps.')
  functionsSuffix: string
  @description('Suffix of App Configuration stores.')
  configurationSuffix: string
  @description('Scope of the gateway\'s tokens for models.')
  modelScope: string
  @description('Private zones of telemetry, storage aside; none where it is taken at public endpoints alone.')
  monitorZones: string[]
}
