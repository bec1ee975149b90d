import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.camel.Exchange;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.component.kafka.KafkaConstants;
import org.apache.camel.main.Main;
import org.cometd.bayeux.Channel;
import org.cometd.bayeux.Message;
import org.cometd.bayeux.client.ClientSessionChannel;
import org.cometd.client.BayeuxClient;
import org.cometd.client.ext.AckExtension;
import org.cometd.client.http.jetty.JettyHttpClientTransport;
import org.cometd.client.transport.ClientTransport;
import org.cometd.common.JacksonJSONContextClient;
import org.eclipse.jetty.http.HttpCookie;

/**
 * The benchmark's job as a Camel route: CometD sessions of many agents in, one Kafka record for each message out.
 *
 * <p>camel-cometd is a CometD server and subscribes to no other one, so CometD's own Java client brings the messages,
 * with the acknowledge extension, as Camel's Salesforce component does it. The records of one reply are sent without
 * waiting for each other, and Kafka has confirmed them all before the next poll acknowledges the reply.
 *
 * <p>Arguments: the platform's URL, bootstrap servers, topic, number of agents.
 */
public final class CamelRoute {
    private static final long CONNECT_SECONDS = 60;
    private static final String[] TOPICS = {
        "/v2/me", "/v2/me/calls", "/v2/me/devices", "/v2/me/channels", "/v2/me/interactions", "/v2/me/chats",
        "/v2/me/workitems", "/v2/me/workbins"};

    private CamelRoute() {
    }

    public static void main(String[] arguments) throws Exception {
        String url = arguments[0];
        String kafka = "kafka:" + arguments[2] + "?brokers=" + arguments[1]
                + "&requestRequiredAcks=all&enableIdempotence=true&compressionCodec=zstd"
                + "&lingerMs=5&producerBatchSize=524288&recordMetadata=false";
        int agents = Integer.parseInt(arguments[3]);

        Main main = new Main();
        main.configure().addRoutesBuilder(new RouteBuilder() {
            @Override
            public void configure() {
                from("direct:heard").to(kafka);
            }
        });
        main.start();
        ProducerTemplate template = main.getCamelTemplate();

        org.eclipse.jetty.client.HttpClient jetty = new org.eclipse.jetty.client.HttpClient();
        jetty.setMaxConnectionsPerDestination(2 * agents + 10);
        jetty.start();
        for (int number = 1; number <= agents; number++) {
            new Session(url, String.format("agent%04d", number), jetty, template).open();
        }
        System.out.println("{\"connected\": " + agents + "}");
        System.out.flush();
        Thread.currentThread().join();
    }

    /** One agent: signs in, shakes hands, subscribes; the client polls by itself from then on. */
    private static final class Session {
        private final String url;
        private final String user;
        private final org.eclipse.jetty.client.HttpClient jetty;
        private final ProducerTemplate template;
        private final JacksonJSONContextClient json = new JacksonJSONContextClient();
        private final List<CompletableFuture<Exchange>> unconfirmed = new ArrayList<>();

        Session(String url, String user, org.eclipse.jetty.client.HttpClient jetty, ProducerTemplate template) {
            this.url = url;
            this.user = user;
            this.jetty = jetty;
            this.template = template;
        }

        void open() throws Exception {
            String pair = Base64.getEncoder().encodeToString((user + ":secret").getBytes(StandardCharsets.UTF_8));
            HttpRequest ask = HttpRequest.newBuilder(URI.create(url + "/api/v2/me"))
                    .header("Authorization", "Basic " + pair).build();
            HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
            HttpResponse<Void> answer = http.send(ask, HttpResponse.BodyHandlers.discarding());

            Map<String, Object> options = new HashMap<>();
            options.put(ClientTransport.MAX_NETWORK_DELAY_OPTION, 60_000);
            options.put(ClientTransport.MAX_MESSAGE_SIZE_OPTION, 8 * 1024 * 1024);
            options.put(ClientTransport.JSON_CONTEXT_OPTION, json);
            BayeuxClient client = new BayeuxClient(
                    url + "/api/v2/notifications", new JettyHttpClientTransport(options, jetty) {
                        @Override
                        protected boolean isAppendMessageType() {
                            return false; // the platform has one address for all messages
                        }
                    });
            client.addExtension(new AckExtension());
            for (String cookie : answer.headers().allValues("Set-Cookie")) {
                String[] named = cookie.split(";", 2)[0].split("=", 2);
                client.putCookie(HttpCookie.build(named[0], named[1]).path("/").build());
            }
            client.getChannel(Channel.META_CONNECT).addListener(
                    (ClientSessionChannel.MessageListener) (channel, message) -> awaitKafka());
            client.handshake();
            if (!client.waitFor(TimeUnit.SECONDS.toMillis(CONNECT_SECONDS), BayeuxClient.State.CONNECTED)) {
                throw new IllegalStateException(user + " is not connected");
            }
            for (String topic : TOPICS) {
                client.getChannel(topic).subscribe((channel, message) -> heard(message));
            }
        }

        private void heard(Message message) {
            Exchange exchange = template.getCamelContext().getEndpoint("direct:heard").createExchange();
            exchange.getMessage().setBody(text(message));
            exchange.getMessage().setHeader(KafkaConstants.KEY, user);
            synchronized (unconfirmed) {
                unconfirmed.add(template.asyncSend("direct:heard", exchange));
            }
        }

        private String text(Message message) {
            try {
                return json.getGenerator().generate(message);
            } catch (RuntimeException error) {
                throw error;
            } catch (Exception error) {
                throw new IllegalStateException(error);
            }
        }

        /** Called between the messages of a reply and the next poll. */
        private void awaitKafka() {
            List<CompletableFuture<Exchange>> sent;
            synchronized (unconfirmed) {
                sent = new ArrayList<>(unconfirmed);
                unconfirmed.clear();
            }
            for (CompletableFuture<Exchange> one : sent) {
                if (one.join().getException() != null) {
                    throw new IllegalStateException(one.join().getException());
                }
            }
        }
    }
}
