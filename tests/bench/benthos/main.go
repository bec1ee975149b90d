// Command benthos is the stream processor Benthos with the few components that the benchmark's job needs.
//
// Its Kafka output belongs to Redpanda Connect; this is one on franz-go, the client library that Connect uses, with
// the acknowledgement that Connect's has: a batch is delivered when all of its records are.
package main

import (
	"context"
	"strings"

	_ "github.com/redpanda-data/benthos/v4/public/components/io"
	_ "github.com/redpanda-data/benthos/v4/public/components/pure"
	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/twmb/franz-go/pkg/kgo"
)

const batchesInFlight = 64

type kafkaOutput struct {
	brokers, topic string
	client         *kgo.Client
}

func (k *kafkaOutput) Connect(context.Context) (err error) {
	k.client, err = kgo.NewClient(
		kgo.SeedBrokers(strings.Split(k.brokers, ",")...),
		kgo.DefaultProduceTopic(k.topic),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerBatchCompression(kgo.ZstdCompression()),
		kgo.ProducerBatchMaxBytes(512*1024),
	)
	return err
}

func (k *kafkaOutput) WriteBatch(ctx context.Context, batch service.MessageBatch) error {
	records := make([]*kgo.Record, 0, len(batch))
	for _, message := range batch {
		value, err := message.AsBytes()
		if err != nil {
			return err
		}
		key, _ := message.MetaGet("agent")
		records = append(records, &kgo.Record{Key: []byte(key), Value: value})
	}
	return k.client.ProduceSync(ctx, records...).FirstErr()
}

func (k *kafkaOutput) Close(context.Context) error {
	if k.client != nil {
		k.client.Close()
	}
	return nil
}

func main() {
	spec := service.NewConfigSpec().
		Field(service.NewStringField("brokers")).
		Field(service.NewStringField("topic"))
	err := service.RegisterBatchOutput("franz", spec, func(
		configuration *service.ParsedConfig, _ *service.Resources,
	) (service.BatchOutput, service.BatchPolicy, int, error) {
		output := &kafkaOutput{}
		var err error
		if output.brokers, err = configuration.FieldString("brokers"); err != nil {
			return nil, service.BatchPolicy{}, 0, err
		}
		if output.topic, err = configuration.FieldString("topic"); err != nil {
			return nil, service.BatchPolicy{}, 0, err
		}
		return output, service.BatchPolicy{}, batchesInFlight, nil
	})
	if err != nil {
		panic(err)
	}
	service.RunCLI(context.Background())
}
