// The Durable Task Scheduler, where jobs are many: otherwise the storage account keeps their course.

param name string
param location string
param tags object

@description('Addresses that may reach it, in CIDR form; an empty list would deny everything.')
@minLength(1)
param ipAllowlist string[]

var hubName = 'gateway'

resource scheduler 'Microsoft.DurableTask/schedulers@2025-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    sku: { name: 'Consumption' }
    ipAllowlist: ipAllowlist
  }

  resource hub 'taskHubs' = {
    name: hubName
  }
}

output name string = scheduler.name
output hubName string = hubName
output endpoint string = scheduler.properties.endpoint
