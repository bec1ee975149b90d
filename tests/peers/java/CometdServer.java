import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.text.ParseException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.cometd.bayeux.Promise;
import org.cometd.bayeux.server.BayeuxServer;
import org.cometd.bayeux.server.ServerChannel;
import org.cometd.bayeux.server.ServerSession;
import org.cometd.server.BayeuxServerImpl;
import org.cometd.server.ServerSessionImpl;
import org.cometd.server.ext.AcknowledgedMessagesExtension;
import org.cometd.server.http.jakarta.CometDServlet;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/**
 * The Java CometD server on Jetty, with the options and the control surface of cometd_server.mjs.
 */
public final class CometdServer {
    private CometdServer() {
    }

    public static void main(String[] arguments) throws Exception {
        Map<String, String> options = new HashMap<>(Map.of(
                "--port", "0", "--ack", "false", "--timeout-ms", "30000",
                "--max-interval-ms", "10000", "--interval-ms", "0"));
        for (int i = 0; i + 1 < arguments.length; i += 2) {
            if (options.replace(arguments[i], arguments[i + 1]) == null) {
                throw new IllegalArgumentException("unknown option " + arguments[i]);
            }
        }

        Server server = new Server();
        ServerConnector connector = new ServerConnector(server);
        connector.setHost("127.0.0.1");
        connector.setPort(Integer.parseInt(options.get("--port")));
        server.addConnector(connector);

        ServletHolder cometd = new ServletHolder(new CometDServlet());
        cometd.setAsyncSupported(true);
        cometd.setInitOrder(1);
        cometd.setInitParameter("timeout", options.get("--timeout-ms"));
        cometd.setInitParameter("maxInterval", options.get("--max-interval-ms"));
        cometd.setInitParameter("interval", options.get("--interval-ms"));
        ServletContextHandler context = new ServletContextHandler("/");
        context.addServlet(cometd, "/cometd/*");
        context.addServlet(new ServletHolder(new Control()), "/control/*");
        server.setHandler(context);
        server.start();

        if (Boolean.parseBoolean(options.get("--ack"))) {
            bayeux(context.getServletContext()).addExtension(new AcknowledgedMessagesExtension());
        }
        System.out.println("{\"port\": " + connector.getLocalPort() + "}");
        server.join();
    }

    private static BayeuxServerImpl bayeux(jakarta.servlet.ServletContext context) {
        return (BayeuxServerImpl) context.getAttribute(BayeuxServer.ATTRIBUTE);
    }

    private static final class Control extends HttpServlet {
        private static final long serialVersionUID = 1L;

        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            if ("/stats".equals(request.getPathInfo())) {
                reply(response, stats());
            } else {
                response.sendError(HttpServletResponse.SC_NOT_FOUND);
            }
        }

        @Override
        protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
            switch (request.getPathInfo()) {
                case "/publish" -> reply(response, publish(body(request)));
                case "/expire" -> reply(response, expire());
                default -> response.sendError(HttpServletResponse.SC_NOT_FOUND);
            }
        }

        private BayeuxServerImpl bayeux() {
            return CometdServer.bayeux(getServletContext());
        }

        private Map<String, Object> publish(Map<?, ?> order) {
            String channel = (String) order.get("channel");
            boolean direct = Boolean.TRUE.equals(order.get("direct"));
            List<?> messages = list(order.get("messages"));
            for (Object message : messages) {
                if (direct) {
                    for (ServerSession session : bayeux().getSessions()) {
                        session.deliver(null, channel, message, Promise.noop());
                    }
                } else {
                    ServerChannel target = bayeux().createChannelIfAbsent(channel).getReference();
                    target.publish(null, message, Promise.noop());
                }
            }
            return Map.of("published", messages.size());
        }

        private Map<String, Object> stats() {
            List<Map<String, Object>> sessions = bayeux().getSessions().stream()
                    .map(session -> Map.<String, Object>of(
                            "id", session.getId(),
                            "subscriptions", session.getSubscriptions().stream().map(ServerChannel::getId).toList()))
                    .toList();
            return Map.of("sessions", sessions);
        }

        private Map<String, Object> expire() {
            List<ServerSession> ended = bayeux().getSessions();
            for (ServerSession session : ended) {
                ((ServerSessionImpl) session).destroyScheduler();
                bayeux().removeServerSession(session, true);
            }
            return Map.of("expired", ended.size());
        }

        private Map<?, ?> body(HttpServletRequest request) throws IOException {
            try {
                return bayeux().getJSONContext().getParser().parse(request.getReader(), Map.class);
            } catch (ParseException malformed) {
                throw new IOException(malformed);
            }
        }

        private void reply(HttpServletResponse response, Map<String, Object> content) throws IOException {
            response.setContentType("application/json");
            response.getWriter().write(bayeux().getJSONContext().getGenerator().generate(content));
        }

        private static List<?> list(Object value) {
            return value instanceof Object[] array ? List.of(array) : (List<?>) value;
        }
    }
}
