import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CRL;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertStore;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXParameters;
import java.security.cert.PKIXRevocationChecker;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What Java's own path checker says of each certificate in DIR/holders: by DIR/full.crl, by the list
 * of each part alone (DIR/one.crl, DIR/two.crl) and by the OCSP answer of its name in DIR/answers.
 * One line for each: name, and four times good, revoked or why not.
 */
public class PathJudge {
    private static CertificateFactory factory;
    private static Set<TrustAnchor> anchors;

    public static void main(String[] words) throws Exception {
        Path dir = Path.of(words[0]);
        factory = CertificateFactory.getInstance("X.509");
        anchors = Set.of(new TrustAnchor(certificate(dir.resolve("sign.cer")), null));
        CRL full = list(dir.resolve("full.crl"));
        CRL one = list(dir.resolve("one.crl"));
        CRL two = list(dir.resolve("two.crl"));
        List<Path> holders;
        try (var files = Files.list(dir.resolve("holders"))) {
            holders = files.filter(file -> file.toString().endsWith(".cer")).sorted().toList();
        }
        for (Path file : holders) {
            X509Certificate holder = certificate(file);
            String name = file.getFileName().toString().replace(".cer", "");
            byte[] answer = Files.readAllBytes(dir.resolve("answers").resolve(name + ".der"));
            System.out.println(String.join(" ", name,
                    byLists(holder, full), byLists(holder, one), byLists(holder, two), byAnswer(holder, answer)));
        }
    }

    private static String byLists(X509Certificate holder, CRL list) throws Exception {
        CertPathValidator validator = CertPathValidator.getInstance("PKIX");
        var checker = (PKIXRevocationChecker) validator.getRevocationChecker();
        checker.setOptions(EnumSet.of(
                PKIXRevocationChecker.Option.PREFER_CRLS, PKIXRevocationChecker.Option.NO_FALLBACK));
        PKIXParameters parameters = parameters();
        parameters.addCertStore(CertStore.getInstance(
                "Collection", new CollectionCertStoreParameters(List.of(list))));
        return judge(validator, parameters, checker, holder);
    }

    private static String byAnswer(X509Certificate holder, byte[] answer) throws Exception {
        CertPathValidator validator = CertPathValidator.getInstance("PKIX");
        var checker = (PKIXRevocationChecker) validator.getRevocationChecker();
        checker.setOptions(EnumSet.of(PKIXRevocationChecker.Option.NO_FALLBACK));
        checker.setOcspResponses(Map.of(holder, answer));
        return judge(validator, parameters(), checker, holder);
    }

    private static PKIXParameters parameters() throws Exception {
        PKIXParameters parameters = new PKIXParameters(anchors);
        // The policies of these certificates are critical and carry qualifiers (RFC 5280 §4.2.1.4).
        parameters.setPolicyQualifiersRejected(false);
        return parameters;
    }

    private static String judge(CertPathValidator validator, PKIXParameters parameters,
            PKIXRevocationChecker checker, X509Certificate holder) throws Exception {
        parameters.addCertPathChecker(checker);
        try {
            validator.validate(factory.generateCertPath(List.of(holder)), parameters);
            return "good";
        } catch (CertPathValidatorException no) {
            if (no.getReason() == CertPathValidatorException.BasicReason.REVOKED) {
                return "revoked";
            }
            return (no.getReason() + ":" + no.getMessage()).replace(' ', '_');
        }
    }

    private static X509Certificate certificate(Path file) throws Exception {
        try (var octets = Files.newInputStream(file)) {
            return (X509Certificate) factory.generateCertificate(octets);
        }
    }

    private static CRL list(Path file) throws Exception {
        try (var octets = Files.newInputStream(file)) {
            return factory.generateCRL(octets);
        }
    }
}
