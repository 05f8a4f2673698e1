namespace NativeRanger.Cli.Functions;

/// <summary>A number that is noted on a <see cref="Tape"/>, so that a formula is written once and its gradient follows.</summary>
internal readonly struct Real
{
    private readonly Tape? tape;

    public Real(Tape? tape, int index, double value) => (this.tape, Index, Value) = (tape, index, value);

    public double Value { get; }

    /// <summary>The place on the tape; -1 for a constant.</summary>
    public int Index { get; }

    public static implicit operator Real(double constant) => new(null, -1, constant);

    public static Real operator -(Real x) => Of(x, -x.Value, -1);

    public static Real operator +(Real a, Real b) => Of(a, b, a.Value + b.Value, 1, 1);

    public static Real operator -(Real a, Real b) => Of(a, b, a.Value - b.Value, 1, -1);

    public static Real operator *(Real a, Real b) => Of(a, b, a.Value * b.Value, b.Value, a.Value);

    public static Real operator /(Real a, Real b) =>
        Of(a, b, a.Value / b.Value, 1 / b.Value, -a.Value / (b.Value * b.Value));

    public static Real Sq(Real x) => Of(x, x.Value * x.Value, 2 * x.Value);

    public static Real Sqrt(Real x)
    {
        var root = Math.Sqrt(x.Value);
        return Of(x, root, 0.5 / root);
    }

    public static Real Exp(Real x)
    {
        var value = Math.Exp(x.Value);
        return Of(x, value, value);
    }

    public static Real Log(Real x) => Of(x, Math.Log(x.Value), 1 / x.Value);

    public static Real Sin(Real x) => Of(x, Math.Sin(x.Value), Math.Cos(x.Value));

    public static Real Cos(Real x) => Of(x, Math.Cos(x.Value), -Math.Sin(x.Value));

    public static Real Atan(Real x) => Of(x, Math.Atan(x.Value), 1 / (1 + (x.Value * x.Value)));

    public static Real Abs(Real x) => Of(x, Math.Abs(x.Value), Math.Sign(x.Value));

    /// <summary>xʸ for x above 0.</summary>
    public static Real Pow(Real x, Real y) => Exp(y * Log(x));

    public static Real Sum(IEnumerable<Real> terms) => terms.Aggregate((Real)0, (a, b) => a + b);

    private static Real Of(Real x, double value, double derivative) =>
        x.tape is null ? value : new Real(x.tape, x.tape.Add(new(x.Index, derivative, -1, 0)), value);

    private static Real Of(Real a, Real b, double value, double byA, double byB) =>
        (a.tape ?? b.tape) is { } tape ? new Real(tape, tape.Add(new(a.Index, byA, b.Index, byB)), value) : value;
}
