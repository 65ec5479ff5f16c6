// The waiting room: every queue and topic that infra/lanes.json names, and nothing else.

import { cloud as cloudType, network as networkType } from '../types.bicep'

param name string
param location string
param tags object
param skuName string

@description('Messaging units; Premium only.')
param capacity int
param zoneRedundant bool
param cloud cloudType
param network networkType?

var document = loadJsonContent('../lanes.json')
var isPremium = skuName == 'Premium'
var isPrivate = network != null
var laneQueues = flatten(map(document.lanes, lane => [
  { name: lane.queue, lane: lane }
  { name: lane.overQueue, lane: lane }
]))

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: skuName
    tier: skuName
    capacity: isPremium ? capacity : null
  }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    zoneRedundant: isPremium ? zoneRedundant : null
  }

  resource lanes 'queues' = [
    for queue in laneQueues: {
      name: queue.name
      properties: {
        lockDuration: queue.lane.lockDuration
        maxDeliveryCount: queue.lane.maxDeliveryCount
        defaultMessageTimeToLive: document.queueDefaults.defaultMessageTimeToLive
        deadLetteringOnMessageExpiration: document.queueDefaults.deadLetteringOnMessageExpiration
        requiresDuplicateDetection: document.queueDefaults.requiresDuplicateDetection
        duplicateDetectionHistoryTimeWindow: document.queueDefaults.duplicateDetectionHistoryTimeWindow
        maxSizeInMegabytes: document.queueDefaults.maxSizeInMegabytes
      }
    }
  ]

  resource replies 'queues' = {
    name: document.replies.queue
    properties: {
      requiresSession: true
      lockDuration: document.replies.lockDuration
      maxDeliveryCount: document.replies.maxDeliveryCount
      defaultMessageTimeToLive: document.replies.defaultMessageTimeToLive
    }
  }

  resource webhooks 'queues' = {
    name: document.webhooks.queue
    properties: {
      lockDuration: document.webhooks.lockDuration
      maxDeliveryCount: document.webhooks.maxDeliveryCount
      defaultMessageTimeToLive: document.webhooks.defaultMessageTimeToLive
      deadLetteringOnMessageExpiration: document.queueDefaults.deadLetteringOnMessageExpiration
      requiresDuplicateDetection: document.queueDefaults.requiresDuplicateDetection
      duplicateDetectionHistoryTimeWindow: document.queueDefaults.duplicateDetectionHistoryTimeWindow
      maxSizeInMegabytes: document.queueDefaults.maxSizeInMegabytes
    }
  }

  resource submissions 'queues' = {
    name: document.submissions.queue
    properties: {
      lockDuration: document.submissions.lockDuration
      maxDeliveryCount: document.submissions.maxDeliveryCount
      defaultMessageTimeToLive: document.submissions.defaultMessageTimeToLive
      // Whoever sent what expires here waits for it.
      deadLetteringOnMessageExpiration: true
      requiresDuplicateDetection: document.queueDefaults.requiresDuplicateDetection
      duplicateDetectionHistoryTimeWindow: document.queueDefaults.duplicateDetectionHistoryTimeWindow
      maxSizeInMegabytes: document.queueDefaults.maxSizeInMegabytes
    }
  }

  resource statusTopic 'topics' = {
    name: document.statusTopic.topic
    properties: {
      // Each state of a job arrives once: its message id is the job's and the state's number.
      requiresDuplicateDetection: true
      duplicateDetectionHistoryTimeWindow: document.queueDefaults.duplicateDetectionHistoryTimeWindow
      defaultMessageTimeToLive: document.queueDefaults.defaultMessageTimeToLive
    }

    resource all 'subscriptions' = {
      name: document.statusTopic.subscription
      properties: { maxDeliveryCount: 10, deadLetteringOnMessageExpiration: true }
    }
  }
}

module endpoint 'private-endpoint.bicep' = if (isPrivate) {
  name: 'endpoint-namespace'
  params: {
    name: 'pe-${name}'
    location: location
    tags: tags
    subnetId: network!.endpointSubnetId
    resourceId: namespace.id
    groupId: 'namespace'
    zoneIds: [network!.zoneIds.serviceBus]
  }
}

output name string = namespace.name
output fullyQualifiedNamespace string = '${namespace.name}.${cloud.serviceBusSuffix}'
